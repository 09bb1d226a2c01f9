print('before')
raise ValueError('no such luck')
