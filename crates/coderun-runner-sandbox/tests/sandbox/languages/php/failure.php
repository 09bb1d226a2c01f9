<?php
echo "before\n";
throw new Exception('no such luck');
