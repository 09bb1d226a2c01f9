<?php
$total = 0;
foreach ([1, 2, 3, 4] as $number) {
    $fiber = new Fiber(function () use ($number) {
        Fiber::suspend($number);
    });
    $total += $fiber->start();
}
echo $total, "\n";
