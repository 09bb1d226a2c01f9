// Starts the page.

import { render } from "preact";

import { App } from "./app";
import { Playground } from "./model/playground";
import "./style/page.css";
import "./style/code.css";
import "./style/source.css";
import "./style/result.css";

const playground = new Playground();
render(<App playground={playground} />, document.getElementById("app") as HTMLElement);
void playground.begin();
