"""How Sphinx builds the site from the sources that `digitkit.site` gathers."""

from pathlib import Path

HERE = Path(__file__).parent

project = "digitkit"
extensions = ["myst_nb", "sphinx.ext.autodoc", "digitkit.extension"]
exclude_patterns = ["extra", "_static", "_templates"]
templates_path = ["_templates"]

# notebooks keep their outputs in git, so nothing is run here
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}  # they would come from another host
myst_enable_extensions = ["attrs_block", "attrs_inline", "deflist", "dollarmath"]
myst_heading_anchors = 4
myst_update_mathjax = False
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 110
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
default_role = "py:obj"  # a name in a docstring is a link where it is one of ours
add_module_names = False

smartquotes = False  # two hyphens are an option

html_theme = "furo"
html_title = "digitkit"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_extra_path = ["extra"]
html_css_files = ["site.css"]
html_copy_source = False
html_use_index = False
html_domain_indices = False
html_show_sphinx = False
html_show_copyright = False
html_context = {"draws": (HERE / "extra/draw/draw.html").is_file()}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/drawing.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Liberation Sans', sans-serif"
html_theme_options = {
    "light_logo": "sign.svg",
    "dark_logo": "sign-dark.svg",
    "light_css_variables": {
        "font-stack": FONT,
        "color-brand-primary": "#00598a",
        "color-brand-content": "#00639b",
        "color-brand-visited": "#5b4a8a",
    },
    "dark_css_variables": {
        "color-brand-primary": "#6cc1f2",
        "color-brand-content": "#6cc1f2",
        "color-brand-visited": "#b9a7ee",
    },
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
