"""Wire formats of AI providers: one module each, pure functions and stream readers."""
