"""``python -m policyc`` and the ``policyc`` program."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from policyc.cli.app import app  # noqa: PLC0415  (spawned workers import this module)

    app()


if __name__ == "__main__":
    main()
