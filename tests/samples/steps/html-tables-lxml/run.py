from step import scrape

PAGE = """<table><tr><th>city</th><th>people</th></tr>
<tr><td>Ulm</td><td>128</td></tr></table>"""
assert scrape(PAGE) == {"Ulm": 128}
