from step import render

assert render("a & b") == "<h1>a &amp; b</h1>"
