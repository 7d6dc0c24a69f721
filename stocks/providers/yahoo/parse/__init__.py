"""What Yahoo's replies mean; the only package that knows their field names. All of it is pure."""
