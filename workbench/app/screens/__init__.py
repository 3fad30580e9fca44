"""The six screens, and the dialogs that open above them."""
