<?php
echo fgets(STDIN);
echo "žluťoučký 🐎\n";
