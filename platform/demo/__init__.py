"""The demo: a real upstream service, a real small model, and the rows that show the product."""
