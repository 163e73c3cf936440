// TensorBoard calls this in the frame of the tab.
export function render() {
  document.location.replace('index.html' + document.location.hash);
}
