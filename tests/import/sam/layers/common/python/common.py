def greeting():
    return "hello from a layer"
