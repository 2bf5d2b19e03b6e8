from step import total

if __name__ == "__main__":
    assert total(4) == 6
