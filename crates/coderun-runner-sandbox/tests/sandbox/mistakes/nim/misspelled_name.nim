let total = 3
echo totl
