"""AI providers, their keys, models, aliases and the price book."""
