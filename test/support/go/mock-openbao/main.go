// The mock backend of OpenBao's SDK as a plugin: each of its paths exercises one part of the plugin protocol.
package main

import (
	"log"
	"os"

	"github.com/openbao/openbao/api/v2"
	"github.com/openbao/openbao/sdk/v2/plugin"
	"github.com/openbao/openbao/sdk/v2/plugin/mock"
)

func main() {
	meta := &api.PluginAPIClientMeta{}
	if err := meta.FlagSet().Parse(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
	tls := api.VaultPluginTLSProvider(meta.GetTLSConfig())
	if err := plugin.ServeMultiplex(&plugin.ServeOpts{BackendFactoryFunc: mock.Factory, TLSProviderFunc: tls}); err != nil {
		log.Fatal(err)
	}
}
