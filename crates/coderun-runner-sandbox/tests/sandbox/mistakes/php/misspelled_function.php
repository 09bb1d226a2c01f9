<?php
printt("hello");
