"""One page a file: widgets and layout only. A folder named `pages` would switch Streamlit's own navigation on."""
