"""Nothing here is a test: these are the folders that the trainers load."""

collect_ignore_glob = ["*"]
