"""Files that hold Santa's settings and rules, read and written without loss."""
