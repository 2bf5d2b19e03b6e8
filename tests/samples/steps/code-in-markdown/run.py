from step import render

assert '<span class="nb">print</span>' in render()
