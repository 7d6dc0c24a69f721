"""Pure arithmetic of portfolios: values in, values out."""
