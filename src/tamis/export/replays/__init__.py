"""What each trainer does with a row, told by its rules: held equal to recordings of its own loader."""
