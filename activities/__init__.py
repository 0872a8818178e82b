"""What the workflows do: one class a file, collaborators in `__init__`, every method safe to run twice."""
