"""How dates and times are written where a template does not say: see FORMAT_MODULE_PATH."""
