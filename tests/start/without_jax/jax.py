"""Not there: TensorFlow would import it at each start for its converter to TensorFlow Lite, which nothing uses."""

raise ImportError
