"""The embedded OCR model server: Tesseract in worker processes behind an OpenAI-shaped API."""
