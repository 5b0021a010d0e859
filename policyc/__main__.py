"""``python -m policyc`` and the ``policyc`` program."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    # Spawned workers import this module.
    from policyc.cli.app import app  # noqa: PLC0415
    from policyc.cli.console import leave  # noqa: PLC0415

    try:
        app()
    except SystemExit as done:
        if done.code is None or isinstance(done.code, int):
            leave(done.code or 0)
        raise


if __name__ == "__main__":
    main()
