"""How the documentation is built: ``make docs``."""

from quoteattr import __version__

project = "quoteattr"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"quoteattr {__version__}"
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["arabic.css"]
default_role = "code"  # a name in `backquotes` in a docstring
autodoc_member_order = "bysource"
autodoc_typehints = "description"
nitpicky = False
exclude_patterns = ["_build"]
