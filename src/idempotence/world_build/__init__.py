"""Making the micro world's models, and measuring them."""
