/** Names the mount that a call is for. */
export const MULTIPLEX_ID = 'multiplex_id'
