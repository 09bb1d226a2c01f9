<?php
$input = fopen('/dev/stdin', 'r');
echo fgets($input);
