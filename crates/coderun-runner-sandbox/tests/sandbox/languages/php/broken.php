<?php
echo "before\n";
$x = ;
