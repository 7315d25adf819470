// Original file: signed.proto


/**
 * The reply of a method that answers nothing but "done".
 */
export interface Done {
  'protocol'?: (number);
}

/**
 * The reply of a method that answers nothing but "done".
 */
export interface Done__Output {
  'protocol': (number);
}
