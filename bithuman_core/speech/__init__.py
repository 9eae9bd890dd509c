"""Speech to mouth: the streaming ONNX net and its state."""
