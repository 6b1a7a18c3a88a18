# The CMake package of the C++ client. (Programs are installed where they are built.)
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Tuplespace)

set_target_properties(tuplespace_client PROPERTIES EXPORT_NAME client)
set_target_properties(tuplespace_embedded PROPERTIES EXPORT_NAME embedded)
install(TARGETS tuplespace_base tuplespace_tuple tuplespace_proto_raw tuplespace_client
        EXPORT TuplespaceClient)
install(TARGETS tuplespace_store tuplespace_rocksdb_store tuplespace_space tuplespace_engine
                tuplespace_embedded
        EXPORT TuplespaceEmbedded)
foreach(export TuplespaceClient TuplespaceEmbedded)
  install(EXPORT ${export} NAMESPACE Tuplespace:: DESTINATION ${package})
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/TuplespaceConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/TuplespaceConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/TuplespaceConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/TuplespaceConfig.cmake
              ${PROJECT_BINARY_DIR}/TuplespaceConfigVersion.cmake
        DESTINATION ${package})

install(DIRECTORY clients/cpp/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES tuplespace/status.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tuplespace)
install(DIRECTORY tuplespace/tuple DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tuplespace
        FILES_MATCHING PATTERN "*.h")
