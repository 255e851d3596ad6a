"""The console: all pages, a folder per place of the sidebar. Pages compose several apps, so they stand above them."""
