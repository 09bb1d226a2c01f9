import urllib.request

page = urllib.request.urlopen("http://example.com").read()
print(len(page))
