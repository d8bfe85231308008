"""One workflow a file or folder: its Request, its Result, its steps, the function that joins them."""
