"""The public functions, one for each command: the one place that joins the layers."""
