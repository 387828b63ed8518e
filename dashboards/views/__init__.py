"""The content of the pages, as tables and values, without Streamlit."""
