print('before')
if True
    print('after')
