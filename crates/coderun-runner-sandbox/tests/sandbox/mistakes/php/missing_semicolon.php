<?php
$total = 3 + 4
echo $total;
