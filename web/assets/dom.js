// @ts-check
// Small things that every other module needs.

/**
 * The first element that a selector finds.
 * @template {Element} T
 * @param {string} selector
 * @param {new (...args: any[]) => T} kind
 * @param {ParentNode} [within]
 * @returns {T | null}
 */
export function find(selector, kind, within = document) {
  const found = within.querySelector(selector);
  return found instanceof kind ? found : null;
}

/**
 * What somebody does anywhere on the page, also in parts that come later; before anybody else hears of it.
 * @param {string} type
 * @param {string} selector
 * @param {(element: HTMLElement, event: Event) => void} act
 */
export function when(type, selector, act) {
  const hear = /** @param {Event} event */ (event) => {
    const element = event.target instanceof Element ? event.target.closest(selector) : null;
    if (element instanceof HTMLElement) act(element, event);
  };
  document.addEventListener(type, hear, true);
}

/**
 * Sends a form as if somebody had pressed its button.
 * @param {HTMLFormElement | null} form
 */
export function send(form) {
  form?.requestSubmit();
}

/**
 * Whether what is typed there is text.
 * @param {EventTarget | null} target
 */
export function isText(target) {
  return target instanceof HTMLElement && (target.matches("input, textarea, select") || target.isContentEditable);
}
