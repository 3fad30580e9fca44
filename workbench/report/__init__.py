"""Reports of runs: gathered once (`build`), written as one HTML file, or as tables in Markdown or LaTeX."""
