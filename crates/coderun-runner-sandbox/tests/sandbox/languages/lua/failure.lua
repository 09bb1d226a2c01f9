print('before')
error('no such luck')
