/** The settings of the mount. Left as they were. */
export const CONFIG = `
  read config
  write config {}
  write config
  write config {"max_versions":"7","cas_required":"true","delete_version_after":"90m"}
  read config
  write config {"max_versions":null,"cas_required":null,"delete_version_after":null}
  read config
  write config {"delete_version_after":-1}
  read config
  write config {"delete_version_after":"-5m","cas_required":false}
  read config
  write config {"delete_version_after":"1.5s","unknown":1}
  read config
  write config {"delete_version_after":"876000h"}
  read config
  write config {"max_versions":4294967295}
  read config
  write config {"max_versions":5000000000}
  read config
  write config {"max_versions":-2}
  read config
  write config {"max_versions":"x"}
  write config {"cas_required":"maybe"}
  write config {"delete_version_after":"xx"}
  write config {"max_versions":0,"delete_version_after":0,"metadata_cas_required":true}
  read config?foo=1
  write config {"metadata_cas_required":false}
  delete config
  list config
  patch config {"max_versions":3}
  read config/
  read config/x
  write config/ {"max_versions":1}
`

/** Writing, reading and deleting data. */
export const DATA = `
  read data/a
  write data/a {}
  write data/a
  write data/a {"options":{"cas":9}}
  write data/a {"data":{}}
  read data/a
  write data/a {"data":null}
  read data/a
  read subkeys/a
  write data/a {"data":"x"}
  write data/a {"data":[1]}
  write data/a {"data":5}
  write data/a {"data":{"x":1,"n":null,"f":1.5,"e":1e3,"t":"ü€\\n","deep":{"a":[1,[2,{}]]}}}
  read data/a
  write data/a {"data":{"x":1},"extra":5}
  write data/a {"data":{"x":1},"options":null}
  write data/a {"data":{"x":1},"options":{"foo":1}}
  write data/a {"data":{"x":1},"options":"x"}
  write data/a {"data":{"x":1},"options":["cas=7"]}
  write data/a {"data":{"x":1},"version":1}
  write data/a {"data":{"__proto__":{"x":1}}}
  read data/a
  patch data/a {"data":{"__proto__":{"y":1}}}
  read data/a
  read subkeys/a
  read data/a?foo=1
  read data/none?foo=1
  read subkeys/a?foo=1
  read metadata/a
  delete data/none
  delete data/a
  read data/a
  read subkeys/a
  delete data/a
  read data/a?version=1
  write data/a {"data":{"again":true}}
  read data/a
  write data/error {"data":{"error":"boom"}}
  read data/error
  write data/f/o/l/d/e/r {"data":{}}
  list metadata/f
  list metadata/f/o/l/d/e
  read metadata/f/o
  write metadata/ten {}
  write data/ten {"data":{"i":0}}
  write data/ten {"data":{"i":1}}
  write data/ten {"data":{"i":2}}
  write data/ten {"data":{"i":3}}
  write data/ten {"data":{"i":4}}
  write data/ten {"data":{"i":5}}
  write data/ten {"data":{"i":6}}
  write data/ten {"data":{"i":7}}
  write data/ten {"data":{"i":8}}
  write data/ten {"data":{"i":9}}
  write data/ten {"data":{"i":10}}
  read metadata/ten
  read data/ten?version=1
  read data/ten?version=2
  write metadata/max {"max_versions":2}
  write data/max {"data":{"i":0}}
  write data/max {"data":{"i":1}}
  write data/max {"data":{"i":2}}
  write data/max {"data":{"i":3}}
  read metadata/max
  write metadata/max {"max_versions":1}
  read data/max?version=3
  write data/max {"data":{"i":4}}
  read metadata/max
  write metadata/max {"max_versions":5}
  write data/max {"data":{"i":5}}
  write data/max {"data":{"i":6}}
  read metadata/max
  write config {"max_versions":3}
  write data/ten {"data":{"i":11}}
  read metadata/ten
  write data/max {"data":{"i":7}}
  read metadata/max
  write config {"max_versions":0}
`

/** What is done to single versions, and the end of versions by time. */
export const VERSIONS = `
  write data/v {"data":{"i":1}}
  write data/v {"data":{"i":2}}
  write data/v {"data":{"i":3}}
  write delete/v {"versions":[2]}
  read data/v?version=2
  read subkeys/v?version=2
  write delete/v {"versions":"2,3"}
  read data/v
  write undelete/v {"versions":["2"]}
  read data/v?version=2
  write destroy/v {"versions":[2]}
  read data/v?version=2
  write undelete/v {"versions":[2]}
  read data/v?version=2
  write delete/v {"versions":[2,1]}
  read data/v?version=2
  write destroy/v {"versions":[3]}
  read data/v
  delete data/v
  read data/v
  write data/v {"data":{"i":4},"options":{"cas":3}}
  read metadata/v
  write metadata/end {"delete_version_after":"1s"}
  write data/end {"data":{"x":1}}
  read data/end
  wait 1500
  read data/end
  delete data/end
  write undelete/end {"versions":[1]}
  read data/end
  write delete/end {"versions":[1]}
  read data/end
  read metadata/end
  write config {"delete_version_after":"1h"}
  write data/hour {"data":{}}
  delete data/hour
  read data/hour
  write undelete/hour {"versions":[1]}
  read data/hour
  write metadata/hour {"delete_version_after":"2h"}
  write data/hour {"data":{}}
  write config {"delete_version_after":"-1s"}
  write data/hour {"data":{}}
  write metadata/hour {"delete_version_after":"0s"}
  write data/hour {"data":{}}
  write config {"delete_version_after":"0s"}
  write metadata/hour {"delete_version_after":"1h"}
  write data/hour {"data":{}}
  read metadata/hour
`

/** Settings and custom metadata of a secret. */
export const METADATA = `
  read metadata/m
  write metadata/m {}
  write metadata/m
  write metadata/m {"foo":1}
  read metadata/m
  write metadata/m {"max_versions":null}
  read metadata/m
  delete metadata/m
  write metadata/m {"metadata_cas":0}
  read metadata/m
  write metadata/m {"max_versions":3,"cas_required":true,"delete_version_after":"1h","custom_metadata":{"a":"b"}}
  read metadata/m
  read data/m
  read subkeys/m
  delete data/m
  write delete/m {"versions":[1]}
  write data/m {"data":{"x":1}}
  write data/m {"data":{"x":1},"options":{"cas":1}}
  write data/m {"data":{"x":1},"options":{"cas":0}}
  read data/m
  read metadata/m
  write metadata/m {"max_versions":null,"cas_required":null,"delete_version_after":null,"custom_metadata":null}
  read metadata/m
  write metadata/m {"max_versions":"x"}
  write metadata/m {"cas_required":"x"}
  write metadata/m {"delete_version_after":"-1s"}
  write metadata/m {"metadata_cas":"x"}
  write metadata/m {"max_versions":-2}
  read metadata/m
  write metadata/m {"max_versions":0,"foo":1}
  read metadata/m?foo=1
  patch metadata/none {}
  patch metadata/none {"max_versions":1}
  patch metadata/none {"custom_metadata":{"a":{}}}
  patch metadata/m {"cas_required":"true","max_versions":"6","delete_version_after":"20"}
  read metadata/m
  patch metadata/m {"max_versions":null,"cas_required":null,"delete_version_after":null}
  read metadata/m
  patch metadata/m {}
  patch metadata/m {"foo":1}
  patch metadata/m {"max_versions":"x"}
  patch metadata/m {"cas_required":"x"}
  patch metadata/m {"delete_version_after":"x"}
  patch metadata/m {"delete_version_after":"-1s"}
  patch metadata/m {"custom_metadata":{"p":"q"}}
  patch metadata/m {"custom_metadata":{"r":"s","p":null}}
  read metadata/m
  patch metadata/m {"custom_metadata":null}
  read metadata/m
  write metadata/c {"max_versions":1,"metadata_cas":5}
  write metadata/c {"max_versions":1,"metadata_cas":0}
  write metadata/c {"max_versions":1,"metadata_cas":0}
  write metadata/c {"max_versions":2,"metadata_cas":1}
  write metadata/c {"max_versions":2,"metadata_cas":"2"}
  write metadata/c {"metadata_cas_required":true}
  write metadata/c {"max_versions":1}
  write metadata/c {"max_versions":1,"metadata_cas":4}
  write metadata/c {"max_versions":1,"metadata_cas":null}
  write metadata/c {"max_versions":1,"metadata_cas":-1}
  patch metadata/c {"max_versions":3}
  patch metadata/c {"max_versions":3,"metadata_cas":1}
  patch metadata/c {"max_versions":3,"metadata_cas":5}
  patch metadata/c {"metadata_cas":9}
  write data/c {"data":{}}
  read metadata/c
  write config {"metadata_cas_required":true}
  write metadata/c2 {"max_versions":1}
  write metadata/c2 {"max_versions":1,"metadata_cas":0}
  write metadata/c2 {"metadata_cas_required":false}
  write data/c3 {"data":{"a":1}}
  patch metadata/c3 {"max_versions":1}
  patch metadata/c3 {"max_versions":1,"metadata_cas":0}
  write config {"metadata_cas_required":false}
  list metadata?after=c&limit=2
  list metadata?limit=0
  list metadata?limit=-1
  list metadata?limit=x
  list metadata?after=zzz
  list metadata/none
  list metadata/none?foo=1
  list metadata/m
  list detailed-metadata
  list detailed-metadata/f
  list detailed-metadata?after=c&limit=2
  list detailed-metadata/none
  read detailed-metadata/m
  read detailed-metadata
  delete metadata/none
  delete metadata/m
  read metadata/m
  read data/m
  read data/m?version=1
  write data/m {"data":{"new":1}}
  read metadata/m
`

/** Patches of data, and the names within a secret. */
export const PATCHES = `
  patch data/none {"data":{"x":1}}
  patch data/none {}
  write data/p {"data":{"a":1,"b":{"c":1,"d":2},"l":[1,2]}}
  patch data/p {"data":{"b":{"c":null,"e":5},"l":[3],"z":{"q":null}}}
  read data/p
  patch data/p {"data":{"a":{"now":"object"},"b":"text"}}
  read data/p
  patch data/p {}
  patch data/p
  patch data/p {"data":{}}
  patch data/p {"data":"x"}
  patch data/p {"data":{"a":null,"b":null,"l":null,"z":null,"x":null}}
  read data/p
  patch data/p {"data":{"x":1},"foo":1}
  write metadata/p {"cas_required":true}
  patch data/p {"data":{"x":1}}
  patch data/p {"data":{"x":1},"options":{"cas":6}}
  patch data/p {"data":{"x":2},"options":{"cas":6}}
  delete data/p
  patch data/p {"data":{"x":1}}
  patch data/p {"data":{"x":1},"options":{"cas":7}}
  write destroy/p {"versions":[7]}
  patch data/p {"data":{"x":1},"options":{"cas":7}}
  write metadata/p2 {"max_versions":3}
  patch data/p2 {"data":{"x":1}}
  write config {"cas_required":true}
  patch data/p3 {"data":{"x":1}}
  write data/p3 {"data":{"x":1}}
  write data/p3 {"data":{"x":1},"options":{"cas":0}}
  patch data/p3 {"data":{"x":2}}
  write config {"cas_required":false}
  write data/null {"data":null}
  patch data/null {"data":{"x":1}}
  read data/null
  patch data/p3 {"data":null}
  read data/p3
  write data/s {"data":{"a":1,"b":{"c":{"d":{"e":1}},"f":null,"g":[{"h":1}]},"em":{}}}
  read subkeys/s
  read subkeys/s?depth=0
  read subkeys/s?depth=1
  read subkeys/s?depth=2
  read subkeys/s?depth=3
  read subkeys/s?depth=x
  read subkeys/s?depth=-1
  read subkeys/s?depth=
  read subkeys/s?version=1&depth=1
  read subkeys/none
  list subkeys/s
  write subkeys/s {}
  delete subkeys/s
  patch subkeys/s {}
  write data/s2 {"data":{}}
  read subkeys/s2
`

/** Paths that are none, slashes, and names. */
export const PATHS = `
  read .
  list .
  read /
  list /
  write . {"x":1}
  write / {"x":1}
  delete /
  read a
  write a {"x":1}
  patch a {"x":1}
  delete a
  list foo/bar
  read data
  read data/
  write data {"data":{}}
  write data/ {"data":{}}
  patch data {"data":{}}
  patch data/ {"data":{}}
  delete data
  list data
  list data/
  list data/a
  read metadata
  read metadata/
  write metadata {"max_versions":5}
  write metadata/ {"max_versions":5}
  patch metadata/ {"max_versions":5}
  delete metadata
  delete metadata/
  read subkeys
  read subkeys/
  list subkeys
  write data/a/ {"data":{"x":1}}
  read metadata/a/
  read subkeys/none/
  delete data/none/
  write data/slash {"data":{"x":1}}
  read data/slash/
  delete metadata/slash/
  read data/slash
  write data/pp {"data":{},"path":"other"}
  read data/other
  write data/sp%20ace/q%3Fm/h%23m/%E2%82%AC/50%25 {"data":{"x":1}}
  read data/sp%20ace/q%3Fm/h%23m/%E2%82%AC/50%25
  list metadata/sp%20ace
  list metadata/sp%20ace/q%3Fm/h%23m/%E2%82%AC
  write data/x..y {"data":{"x":1}}
  read data/x..y
  read data/config
  write data/config {"data":{"x":1}}
  read data/config
  write data/data/data {"data":{"x":1}}
  read data/data/data
  write data/1/2 {"data":{"x":1}}
  write data/1 {"data":{"x":2}}
  write data/1/1 {"data":{"x":3}}
  read data/1
  read data/1/1
  read data/1/2
  delete metadata/1
  read data/1/1
  list metadata/1
  list metadata
`
