import { KoeElement, html } from '../../lib/element.js';
import './neighbours.js';
import './rooms.js';

/** Who else is on the network: where something can be said, and the servers that are there. */
class KoeHouseNetwork extends KoeElement {
  render() {
    return html`<koe-house-rooms></koe-house-rooms><koe-house-neighbours></koe-house-neighbours>`;
  }
}

customElements.define('koe-house-network', KoeHouseNetwork);
