"""OneAI Gateway: one door to the AI models that people run on their own machines."""

__version__ = "0.1.0"
