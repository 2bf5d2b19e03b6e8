from step import write_book

assert len(write_book("book.xlsx")) == 2
