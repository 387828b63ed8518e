"""One page a file: widgets and layout only. A folder called `pages` would switch Streamlit's own navigation on."""
