"""What the gateway says of its own surface: an OpenAPI document and a page, both made when first asked for."""
