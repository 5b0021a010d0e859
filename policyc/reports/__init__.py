"""Values to text: one module a format. Nothing is computed here."""
